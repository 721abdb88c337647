import type { ApiDependencies } from '../dependencies.js';
import type { Route } from '../route.js';
import { broadcastRoutes } from './broadcasts.js';
import { destinationCommandRoutes } from './destination-commands.js';
import { destinationRoutes } from './destinations.js';
import { eventRoutes } from './events.js';
import { hostRoutes } from './hosts.js';
import { recordingRoutes } from './recordings.js';
import { streamCommandRoutes } from './stream-commands.js';
import { streamRoutes } from './streams.js';
import { tokenRoutes } from './tokens.js';

/** Every call of the API. */
export const apiRoutes = (deps: ApiDependencies): Route[] => [
  ...streamRoutes(deps),
  ...streamCommandRoutes(deps),
  ...destinationRoutes(deps),
  ...destinationCommandRoutes(deps),
  ...broadcastRoutes(deps),
  ...eventRoutes(deps),
  ...recordingRoutes(deps),
  ...hostRoutes(deps),
  ...tokenRoutes(deps),
];
