/** Task queues: workflows, i/o and reports; decoding; training. A host's private queue is named in activities/device.ts (P6). */
export const queues = { pipeline: 'lodestone', cpu: 'lodestone-cpu', gpu: 'lodestone-gpu' } as const;
