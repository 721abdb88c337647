import { htmlPage } from './page.js';

const HEAD = `<link rel="icon" href="/docs/favicon.png">
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1.5rem; color: #1c2733; }
h1 { font-size: 1.75rem; margin: 0; }
pre { background: #f2f5f8; padding: 1rem; border-radius: 6px; overflow-x: auto; font-size: 0.875rem; }
a { color: #0b5cad; }
@media (prefers-color-scheme: dark) {
  body { background: #10161d; color: #dde5ee; } pre { background: #1a232d; } a { color: #7db8f2; }
}
</style>`;

const BODY = `<h1>Holdfast</h1>
<p>This is the API of a Holdfast installation. It works.</p>
<ul>
<li><a href="/docs">Every call, described and ready to try</a></li>
<li><a href="/openapi.json">The same as an OpenAPI document</a></li>
<li><a href="/readyz">Whether what it depends on answers</a></li>
</ul>
<p>The API key and secret are printed by <code>npm start</code>. To create a stream:</p>
<pre>curl -u KEY:SECRET -H 'content-type: application/json' \\
  -d '{"name":"My first stream"}' http://HOST:PORT/v1/streams</pre>
<p>The answer says where an encoder publishes and where viewers watch. The README tells the rest.</p>`;

/** What a person sees who opens the API's address in a browser. */
export const landingPage = htmlPage('Holdfast', HEAD, BODY);
