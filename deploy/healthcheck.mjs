/** Exit code 0 when the address answers 2xx: `node deploy/healthcheck.mjs http://127.0.0.1:8080/readyz`. */
const TIMEOUT_MS = 4000;
const [url] = process.argv.slice(2);
const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error) => error);
if (!answer.ok) {
  console.error(answer instanceof Error ? String(answer.cause ?? answer) : `${answer.status} ${await answer.text()}`);
  process.exitCode = 1;
}
