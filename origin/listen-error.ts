/** A port that cannot be listened on, with the name of the setting that moves it. @param settings by port */
export function explainListenError(error: unknown, settings: Record<number, string>): unknown {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  const setting = port === undefined ? undefined : settings[port];
  if (setting === undefined) return error;
  if (code === 'EADDRINUSE') return new Error(`Port ${port} is taken; set ${setting} to a free one.`, { cause: error });
  if (code === 'EACCES')
    return new Error(`Port ${port} needs rights this user has not; set ${setting} to one above 1023.`, { cause: error });
  return error;
}
