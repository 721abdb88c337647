import type { Worker } from 'node:cluster';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';

/** What `getMetricsAsJSON` of prom-client gives. */
export type ProcessMetrics = MetricObjectWithValues<MetricValue<string>>[];

/** What the origin asks its viewer processes, over the channel that node:cluster has with them. */
export interface ViewerAnswers {
  metrics: ProcessMetrics;
  /** A sign of life. */
  alive: true;
}

interface Question {
  question: keyof ViewerAnswers;
  id: number;
}

interface Answer {
  id: number;
  answer: ViewerAnswers[keyof ViewerAnswers];
}

let lastId = 0;

/** null: no answer within the time (ms). */
export function askViewer<K extends keyof ViewerAnswers>(worker: Worker, question: K, limitMs: number): Promise<ViewerAnswers[K] | null> {
  const id = ++lastId;
  return new Promise((resolve) => {
    const settle = (answer: ViewerAnswers[K] | null): void => {
      clearTimeout(timer);
      worker.off('message', take);
      resolve(answer);
    };
    const take = (message: Answer): void => {
      if (message.id === id) settle(message.answer as ViewerAnswers[K]);
    };
    const timer = setTimeout(() => settle(null), limitMs);
    worker.on('message', take);
    worker.send({ question, id } satisfies Question, (error: Error | null) => error && settle(null));
  });
}

/** The other end, in a viewer process. */
export function answerOrigin(readMetrics: () => Promise<ProcessMetrics>): void {
  const answers: { [K in keyof ViewerAnswers]: () => Promise<ViewerAnswers[K]> } = {
    metrics: readMetrics,
    alive: () => Promise.resolve(true),
  };
  process.on('message', ({ question, id }: Partial<Question>) => {
    if (question === undefined || id === undefined) return;
    void answers[question]().then((answer) => process.send?.({ id, answer } satisfies Answer));
  });
}
