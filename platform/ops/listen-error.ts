/**
 * What a process that cannot listen says at its start: which setting moves it. Anything else is returned as it is.
 *
 * @param settings names of settings, by the port they set
 * @param bind name of the setting of the address, for processes that do not listen on loopback alone
 */
export function explainListenError(error: unknown, settings: Record<number, string>, bind?: string): unknown {
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  const setting = port === undefined ? undefined : settings[port];
  if (setting === undefined) return error;
  const say = (message: string): Error => new Error(message, { cause: error });
  if (code === 'EADDRINUSE') return say(`Port ${port} is taken; set ${setting} to a free one.`);
  if (code === 'EACCES') return say(`Port ${port} needs rights this user has not; set ${setting} to one above 1023.`);
  if (code === 'EADDRNOTAVAIL' && bind) return say(`This machine has no address ${address}; set ${bind} to one it has.`);
  return error;
}
