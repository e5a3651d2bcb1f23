/** Networks by name, with what may be chosen of them. The architectures stand in learning/networks/. */
import { z } from 'zod';

export const networkNames = ['convnet-4', 'googlenet-bn'] as const;

export const NetworkOptions = z.strictObject({
  name: z
    .enum(networkNames)
    .default('convnet-4')
    .meta({ doc: 'architecture', source: 'googlenet-bn is the network of the paper' }),
  inputSize: z
    .int()
    .min(16)
    .max(512)
    .default(48)
    .meta({ doc: 'edge of the square that the network sees', unit: 'pixels' }),
  embeddingSize: z
    .int()
    .min(2)
    .max(4096)
    .default(128)
    .meta({ doc: 'E, length of an embedding', source: 'the paper uses 1024 for googlenet-bn' }),
});
export type NetworkOptions = z.infer<typeof NetworkOptions>;
