/** Ids become folder names and URL parts: nothing else is let through, so no path can leave its folder. */
export const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
