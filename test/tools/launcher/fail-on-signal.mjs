/** Loaded before the launcher (`--import`): SIGUSR2 makes it fail in the way of FAIL_HOW. */
const WAYS = {
  throw: () => {
    throw new Error('thrown in a timer');
  },
  reject: () => void Promise.reject(new Error('a promise nobody waits for')),
};

process.on('SIGUSR2', () => setTimeout(WAYS[process.env.FAIL_HOW], 1));
