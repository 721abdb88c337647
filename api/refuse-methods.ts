import type { Express } from 'express';
import { HoldfastError } from '../domain/errors.js';
import { expressPath, type Route } from './route.js';

/** After all routes: other methods on their paths are answered 405, naming those there are (RFC 9110, 15.5.6). */
export function refuseOtherMethods(app: Express, routes: readonly Pick<Route, 'method' | 'path'>[]): void {
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map((route) => route.method.toUpperCase());
    const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
    app.all(expressPath(path), (request, response) => {
      response.set('allow', allowed);
      if (request.method !== 'OPTIONS') throw new HoldfastError('method_not_allowed', `This address takes ${allowed}.`);
      response.status(204).end();
    });
  }
}
