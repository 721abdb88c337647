import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { htmlPage } from './page.js';

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve('swagger-ui-dist/package.json'));

/** Files of Swagger UI, from the installed package: the page asks no other host for anything. */
export const DOCS_FILES: Record<string, string> = {
  '/docs/swagger-ui.css': join(folder, 'swagger-ui.css'),
  '/docs/swagger-ui-bundle.js': join(folder, 'swagger-ui-bundle.js'),
  '/docs/favicon.png': join(folder, 'favicon-32x32.png'),
};

export const docsPage = htmlPage(
  'Holdfast API',
  '<link rel="stylesheet" href="/docs/swagger-ui.css">\n<link rel="icon" href="/docs/favicon.png">',
  '<div id="docs"></div>\n<script src="/docs/swagger-ui-bundle.js"></script>\n<script src="/docs/start.js"></script>',
);

/** A file, not an inline script, which the content security policy refuses. validatorUrl would ask an outside host. */
export const docsScript = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  validatorUrl: null,
  docExpansion: 'list',
});
`;
