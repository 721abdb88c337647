import logger from 'node-media-server/src/core/logger.js';
import RtmpSession from 'node-media-server/src/session/rtmp_session.js';

/*
 * The one door to node-media-server 4.4.3. Its server, HTTP API, admin page, records, relay and store are never
 * loaded: the ingest opens its own listener and gives each socket to an RtmpSession.
 */

/* Its lines on stdout hold stream paths, and with them stream keys. Everything worth saying the ingest says itself. */
logger.log = () => undefined;

export { RtmpSession };
