// Writes a broadcast as the origin does, as fast as it goes, and says each number it has listed; ends when it is killed.
import { pino } from 'pino';
import { createOriginMetrics } from '../../dist/origin/metrics.js';
import { BroadcastWriter } from '../../dist/origin/packager/broadcast-writer.js';
import { createRegistry } from '../../dist/platform/ops/ops-server.js';
import { BroadcastFolder } from '../../dist/origin/store/broadcast-folder.js';
import { Disk } from '../../dist/origin/store/disk.js';
import { History } from '../../dist/origin/store/history.js';
import { Journal } from '../../dist/origin/store/journal.js';
import { SegmentCache } from '../../dist/origin/store/segment-cache.js';

const SEGMENT_BYTES = 100_000;
const [mediaDir, lines] = [process.argv[2], JSON.parse(process.argv[3])];
const disk = new Disk();
const folder = new BroadcastFolder(mediaDir, lines.open.broadcastId, disk);
await folder.create(lines.run.renditions.map(({ id }) => id));
const journal = await Journal.open(folder.journal, disk);
await journal.append(lines.open);
const history = new History(lines.open);
const log = pino({ level: 'silent' });
const metrics = createOriginMetrics(createRegistry('origin'));
const writer = new BroadcastWriter({
  journal,
  folder,
  history,
  cache: new SegmentCache(0),
  metrics,
  isDiskFull: () => false,
  disk,
  log,
});
history.apply(lines.run);
writer.append(lines.run);
for (const init of lines.inits) {
  history.apply(init);
  writer.header(init, Buffer.alloc(init.bytes, 'h'));
}
for (let msn = 0; ; msn++) {
  const renditions = Object.fromEntries(lines.inits.map(({ rendition }) => [rendition, [2, SEGMENT_BYTES, msn * 2000]]));
  const media = new Map(lines.inits.map(({ rendition }) => [rendition, Buffer.alloc(SEGMENT_BYTES, String(msn))]));
  await new Promise((listed) => {
    writer.segment({ line: { type: 'segment', msn, run: 0, renditions }, media, cutAt: 0 }, listed);
  });
  process.stdout.write(`${msn}\n`);
}
