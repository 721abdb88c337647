// No imports and old syntax only: this must run, and say what is wrong, on any Node.

/** First version with everything we and our packages use of it; the same as "engines" in package.json. */
export const MIN_NODE = [20, 19];

/** Ends the process with one clear line when Node is too old. */
export function requireNode() {
  const parts = process.versions.node.split('.').map(Number);
  if (parts[0] > MIN_NODE[0] || (parts[0] === MIN_NODE[0] && parts[1] >= MIN_NODE[1])) return;
  console.error(
    'Holdfast needs Node.js ' +
      MIN_NODE.join('.') +
      ' or later; this is ' +
      process.versions.node +
      '. ' +
      'Install a newer one (nodejs.org, or: nvm install 22) and start again.',
  );
  process.exit(1);
}
