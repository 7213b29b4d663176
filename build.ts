import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/*
 * Bundles src/ and the packages that it uses into dist/. A start that finds and links 400 files of dependencies takes
 * twice as long. What is native or optional stays outside: npm installs it for the machine, or the user when it is needed.
 */
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
};

rmSync('dist', { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ['src/cli/main.ts', 'src/backends/onnx/worker.ts'],
  outdir: 'dist',
  outbase: 'src',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  // A command loads what it needs: what is imported with import() stays apart.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: [...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies)],
  // For the packages that are CommonJS.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});
const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
writeFileSync('dist/THIRD-PARTY-NOTICES.txt', notices(inputs));

/** The licences of the packages that files of the bundle come from, as these ask for. */
function notices(files: readonly string[]): string {
  const folders = new Set(
    files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []),
  );
  return [...folders].sort().map(noticesOf).join('\n');
}

function noticesOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license: string;
  };
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  if (texts.length === 0) throw new Error(`${folder} has no text of its licence`);
  const title = `${name} ${version} (${license})`;
  const contents = texts.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [title, '='.repeat(title.length), '', ...contents, ''].join('\n');
}
