#!/usr/bin/env bash
# Installs the packed tarball, without dev dependencies, into an empty project and uses it as a stranger would.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
# Beside it and not in it, where its packages would be found.
light=$(mktemp -d)
trap 'rm -rf "$folder" "$light"' EXIT

npm pack --silent --pack-destination "$folder" >/dev/null
tarball=$(ls "$folder"/*.tgz)
size=$(stat -c %s "$tarball")
echo "tarball: $((size / 1024)) KiB"

cd "$folder"
npm init -y >/dev/null
# As README says: without it the runtime's install step fetches CUDA from elsewhere.
ONNXRUNTIME_NODE_INSTALL=skip npm install --silent --omit=dev "$tarball"
sluice="npx --no-install sluice"
# Packages that are bundled are not installed a second time, and their licences are there.
test ! -e node_modules/apache-arrow
grep -q '^apache-arrow ' node_modules/sluice/dist/THIRD-PARTY-NOTICES.txt

$sluice --version
$sluice --help >/dev/null
$sluice tasks text-classification >/dev/null
$sluice schema | node -e 'JSON.parse(require("node:fs").readFileSync(0, "utf8"))'
$sluice quickstart
test -f out/quickstart/_SUCCESS
$sluice status out/quickstart
$sluice quickstart --local
test -f out/local-sentiment/_SUCCESS

# A job of one's own: a bad one is refused with exit 2 and a place, before anything is sent.
printf 'task: text-classification\nmodel: a/b\nsource: nowhere.csv\ninputs: {txt: text}\noutput: {path: out/x}\n' >bad.yaml
if $sluice check bad.yaml 2>bad.txt; then
  echo 'check passed a bad job' >&2
  exit 1
fi
grep -q 'bad.yaml:4:10' bad.txt || { cat bad.txt >&2; exit 1; }
echo 'packed tarball: ok'

# Without what is optional: APIs are asked as ever, once DuckDB's part for this machine is there, and a model on this
# machine is refused with the line that installs it.
cd "$light"
npm init -y >/dev/null
npm install --silent --omit=dev --omit=optional "$tarball"
if $sluice check "$folder/bad.yaml" 2>missing.txt; then
  echo 'check ran without DuckDB' >&2
  exit 1
fi
line=$(grep -o 'npm install @duckdb/[^;]*' missing.txt) || { cat missing.txt >&2; exit 1; }
$line --silent --no-save
$sluice quickstart
test -f out/quickstart/_SUCCESS
if $sluice quickstart --local 2>missing.txt; then
  echo 'a local model ran without ONNX Runtime' >&2
  exit 1
fi
grep -q 'npm install onnxruntime-node' missing.txt || { cat missing.txt >&2; exit 1; }
echo 'packed tarball without optional packages: ok'
