import { spawn } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ENVIRONMENT } from '../../../platform/config/env.js';
import { PINNED_TOOLS } from '../../../tools/launcher/toolchain/pinned-tools.js';
import { runCommand } from '../../../tools/launcher/supervision/run-command.js';
import { temporalServerCommand } from '../../../tools/launcher/services/temporal-server.js';
import { SEARCH_ATTRIBUTES } from '../../../platform/temporal/search-attributes.js';
import { temporalPath } from '../../support/toolchain.js';
import { until } from '../../support/until.js';

interface Service {
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  network_mode?: string;
  volumes?: string[];
  ports?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

const text = await readFile('docker-compose.yml', 'utf8');
const { services, volumes } = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, null>;
};
const service = (name: string): Service => services[name]!;
const PROCESSES = ['api', 'stream-worker', 'ingest', 'origin', 'media-worker'];

describe('docker-compose.yml', () => {
  it('runs the five processes from their entry files, each with a health check', async () => {
    for (const name of PROCESSES) {
      const script = service(name).command!.at(-1)!;
      await access(script.replace(/^dist\//, '').replace(/\.js$/, '.ts'));
      expect(service(name).healthcheck!.test.join(' ')).toMatch(/healthcheck\.mjs http:\/\/127\.0\.0\.1:\d+\/readyz$/);
    }
  });

  it('sets only what Holdfast knows', () => {
    const known = new Set(Object.keys(ENVIRONMENT.shape));
    const used = Object.values(services).flatMap(({ environment = {} }) =>
      Object.keys(environment).filter((name) => name.startsWith('HOLDFAST_')),
    );
    expect(used.filter((name) => !known.has(name))).toEqual([]);
    expect(used).toContain('HOLDFAST_MASTER_KEY');
  });

  it('asks for every secret, and env.example names each', async () => {
    const example = await readFile('deploy/env.example', 'utf8');
    const required = new Set([...text.matchAll(/\$\{([A-Z_]+):\?[^}]+\}/g)].map((match) => match[1]!));
    expect([...required].sort()).toEqual(['HOLDFAST_MASTER_KEY', 'INITIAL_API_KEY', 'INITIAL_API_SECRET', 'POSTGRES_PASSWORD']);
    for (const name of required) expect(example).toMatch(new RegExp(`^${name}=$`, 'm'));
  });

  it('gives the media worker what it reads destinations with', () => {
    expect(Object.keys(service('media-worker').environment!)).toContain('HOLDFAST_MASTER_KEY');
    expect(Object.keys(service('media-worker').environment!)).toContain('HOLDFAST_DATABASE_URL');
  });

  it('puts the three processes of the media host on one network and one volume', () => {
    for (const name of ['ingest', 'origin', 'media-worker']) {
      expect(service(name).network_mode).toBe('service:media-host');
      expect(service(name).volumes).toEqual(['media:/data']);
    }
    expect(service('media-host').ports).toEqual(['1935:1935', '8888:8888']);
  });

  it('depends on services, mounts files and uses volumes that exist', async () => {
    for (const { depends_on = {}, volumes: mounts = [] } of Object.values(services)) {
      for (const name of Object.keys(depends_on)) expect(Object.keys(services)).toContain(name);
      for (const source of mounts.map((mount) => mount.split(':')[0]!)) {
        if (source.startsWith('.')) await access(source);
        else expect(Object.keys(volumes)).toContain(source);
      }
    }
  });

  it('runs the Temporal that npm start runs', async () => {
    const { stdout } = await runCommand(temporalPath(), ['--version']);
    const [, server, ui] = /Server (\S+), UI (\S+)\)/.exec(stdout)!;
    expect(stdout).toContain(PINNED_TOOLS.temporal.version);
    expect(service('temporal').image).toBe(`temporalio/server:${server}`);
    expect(service('temporal-schema').image).toBe(`temporalio/admin-tools:${server}`);
    expect(service('temporal-namespace').image).toBe(`temporalio/admin-tools:${server}`);
    expect(service('temporal-ui').image).toBe(`temporalio/ui:${ui}`);
  });

  it('changes none of the settings of the Temporal server, so that any server will do', () => {
    expect(service('temporal').environment!.DYNAMIC_CONFIG_FILE_PATH).toBe('/dev/null');
    expect(service('temporal').volumes).toBeUndefined();
    const { args } = temporalServerCommand({
      program: 'temporal',
      dataDir: '/data',
      host: '::1',
      port: 1,
      uiPort: 2,
      namespace: 'default',
    });
    expect(args).not.toContain('--dynamic-config-value');
  });

  it('registers the search attributes the workflows set', async () => {
    const script = await readFile('deploy/temporal-namespace.sh', 'utf8');
    expect(/ATTRIBUTES='([^']+)'/.exec(script)![1]!.split(' ')).toEqual(SEARCH_ATTRIBUTES.map(({ name }) => name));
  });
});

describe('deploy/keep-running.sh', () => {
  it('starts its command again when it ends, and ends with it when told to', async () => {
    const command = [
      process.execPath,
      '-e',
      'process.on("SIGTERM", () => { console.log("bye"); process.exit(); }); console.log("run"); setInterval(() => {}, 1000)',
    ];
    const child = spawn('sh', ['deploy/keep-running.sh', ...command], { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    try {
      await until(() => said.includes('run'), 'the first run');
      const first = Number((await runCommand('ps', ['-o', 'pid=', '--ppid', String(child.pid)])).stdout.trim());
      process.kill(first, 'SIGKILL');
      await until(() => said.split('run').length > 2, 'the second run');
      child.kill('SIGTERM');
      await exited;
      expect(said).toContain('bye');
    } finally {
      child.kill('SIGKILL');
    }
  });
});
