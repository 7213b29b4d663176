import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/emulator.ts';

/** Starts an emulator for the time of `use`. */
export async function withEmulator<T>(
  options: EmulatorOptions,
  use: (emulator: Emulator) => Promise<T>,
): Promise<T> {
  const emulator = await startEmulator({ port: 0, seed: 7, ...options });
  try {
    return await use(emulator);
  } finally {
    await emulator.close();
  }
}
