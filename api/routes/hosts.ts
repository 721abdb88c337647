import type { Credential } from '../../platform/auth/permissions.js';
import type { HostRecord } from '../../platform/db/repositories/hosts.js';
import { HoldfastError } from '../../domain/errors.js';
import type { ApiDependencies } from '../dependencies.js';
import { HOST_ID } from '../ids.js';
import { defineRoute, type Route } from '../route.js';
import { type HostBody, hostSchema } from '../schemas/host.js';

const COMMON = {
  tag: 'Hosts',
  permissions: ['admin'],
  restrict: requireWholeInstallation,
  params: { hostId: { pattern: HOST_ID, missing: 'not_found', description: '`HOLDFAST_HOST_ID` of a media host.' } },
  answers: { 200: { description: 'The host as it is now.', schema: hostSchema } },
} as const;

export function hostRoutes({ hosts, log }: ApiDependencies): Route[] {
  const shown = async (hostId: string) => ({ status: 200, body: hostBody(await hosts.find(hostId)) });
  return [
    defineRoute({
      ...COMMON,
      method: 'get',
      path: '/v1/hosts/{hostId}',
      operationId: 'getHost',
      summary: 'Read how much runs on a media host',
      async handle({ params }) {
        return shown(params.hostId!);
      },
    }),
    defineRoute({
      ...COMMON,
      method: 'post',
      path: '/v1/hosts/{hostId}/drain',
      operationId: 'drainHost',
      summary: 'Let a media host run empty',
      description:
        'No new broadcasts begin on it, also after a restart, until `resume`. Running ones go on, and their encoders may come back. ' +
        'When `openStreams` is 0 it can be stopped without harm.',
      async handle({ params }) {
        await hosts.drain(params.hostId!);
        log.info({ hostId: params.hostId }, 'media host drained');
        return shown(params.hostId!);
      },
    }),
    defineRoute({
      ...COMMON,
      method: 'post',
      path: '/v1/hosts/{hostId}/resume',
      operationId: 'resumeHost',
      summary: 'Let a media host take broadcasts again',
      async handle({ params }) {
        await hosts.resume(params.hostId!);
        log.info({ hostId: params.hostId }, 'media host resumed');
        return shown(params.hostId!);
      },
    }),
  ];
}

/** A host carries every stream: a token for one of them has no business there. */
function requireWholeInstallation({ streamId }: Credential): void {
  if (streamId !== null) throw new HoldfastError('forbidden');
}

const hostBody = ({ id, drainedAt, openStreams }: HostRecord): HostBody => ({
  id,
  drainedAt: drainedAt?.toISOString() ?? null,
  openStreams,
});
