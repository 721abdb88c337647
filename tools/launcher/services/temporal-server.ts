import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../../platform/temporal/search-attributes.js';
import { createTemporalClient, type TemporalAddress } from '../../../platform/temporal/client.js';
import { LauncherError } from '../launcher-error.js';
import type { Command } from '../supervision/run-as.js';

export interface TemporalServerOptions {
  program: string;
  dataDir: string;
  host: string;
  port: number;
  uiPort: number;
  namespace: string;
}

/** Everything Holdfast asks of SQLite: the default journal makes the server about five times slower. */
const SQLITE_PRAGMAS = ['journal_mode=WAL', 'synchronous=NORMAL'];
/** The namespace the dev server always makes. */
const DEFAULT_NAMESPACE = 'default';

/** Runs Temporal's development server on a file in the data folder. */
export function temporalServerCommand(options: TemporalServerOptions): Command {
  const { program, dataDir, host, port, uiPort, namespace } = options;
  const repeated = (flag: string, values: readonly string[]) => values.flatMap((value) => [flag, value]);
  return {
    file: program,
    args: [
      'server',
      'start-dev',
      '--db-filename',
      join(dataDir, 'temporal.sqlite'),
      '--ip',
      host,
      '--port',
      String(port),
      '--ui-port',
      String(uiPort),
      '--log-level',
      'warn',
      '--log-format',
      'json',
      ...(namespace === DEFAULT_NAMESPACE ? [] : ['--namespace', namespace]),
      ...repeated(
        '--search-attribute',
        SEARCH_ATTRIBUTES.map(({ name }) => `${name}=Keyword`),
      ),
      ...repeated('--sqlite-pragma', SQLITE_PRAGMAS),
    ],
  };
}

const DEADLINE_MS = 3000;
interface GrpcError {
  code?: number;
  details?: string;
  message: string;
}
/** gRPC status codes (grpc/statuscodes): ALREADY_EXISTS and NOT_FOUND. */
const ALREADY_EXISTS = 6;
const NOT_FOUND = 5;

/** temporal.api.enums.v1.IndexedValueType. */
const INDEXED_VALUE_TYPE_KEYWORD = 2;

const withDeadline = <T>(client: ReturnType<typeof createTemporalClient>, call: () => Promise<T>): Promise<T> =>
  client.withDeadline(Date.now() + DEADLINE_MS, call);

/** null = the namespace can be used; else why not, as the end of a sentence. */
export async function reasonTemporalNotReady(temporal: TemporalAddress): Promise<string | null> {
  const client = createTemporalClient(temporal);
  try {
    await withDeadline(client, () => client.workflowService.describeNamespace({ namespace: temporal.namespace }));
    return null;
  } catch (error) {
    const { code, details, message } = error as GrpcError;
    if (code === NOT_FOUND) return `it has no namespace ${temporal.namespace}`;
    return `it does not answer (${details || message})`;
  } finally {
    await client.connection.close();
  }
}

/**
 * Checks a Temporal server that was started by someone else and registers what Holdfast's workflows need there.
 * Registering again changes nothing.
 *
 * @throws LauncherError when it does not answer or refuses
 */
export async function adoptTemporalServer(temporal: TemporalAddress): Promise<void> {
  const reason = await reasonTemporalNotReady(temporal);
  if (reason) {
    throw new LauncherError(
      `The Temporal server at ${temporal.address} (HOLDFAST_TEMPORAL_ADDRESS) cannot be used: ${reason}. ` +
        'Start it, correct the address or HOLDFAST_TEMPORAL_NAMESPACE, ' +
        'or unset HOLDFAST_TEMPORAL_ADDRESS to have one started.',
    );
  }
  const client = createTemporalClient(temporal);
  try {
    for (const { name } of SEARCH_ATTRIBUTES) {
      const searchAttributes = { [name]: INDEXED_VALUE_TYPE_KEYWORD };
      const request = { namespace: temporal.namespace, searchAttributes };
      try {
        await withDeadline(client, () => client.connection.operatorService.addSearchAttributes(request));
      } catch (error) {
        const { code, details, message } = error as GrpcError;
        if (code === ALREADY_EXISTS) continue;
        throw new LauncherError(
          `The search attribute ${name} cannot be registered at ${temporal.address}: ${details || message}. ` +
            'Register it there as a Keyword.',
        );
      }
    }
  } finally {
    await client.connection.close();
  }
}
