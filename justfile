set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

# List the recipes
default:
    @{{ just_executable() }} --list --unsorted

# Run the server: `just run --port 9000`
run *args:
    cargo run --release -- "$@"

# Run all tests, or some: `just test -p tertulia-store`
test *args:
    bash .ci/test "$@"

# Check formatting and lints
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Format everything
fmt:
    cargo fmt --all

# Benchmark a server made for it: `just bench room`, `just bench --postgres all`, `just bench --help`
bench *args="all":
    cargo build --release --locked -p tertulia -p tertulia-bench
    target/release/tertulia-bench --spawn target/release/tertulia "$@"

# Make the empty files of a migration, for both databases: `just migration add_reactions`
migration name:
    #!/usr/bin/env bash
    set -euo pipefail
    name=$1
    [[ $name =~ ^[a-z][a-z0-9_]*$ ]] || { echo "a name is lower-case letters, digits and _" >&2; exit 2; }
    stamp=$(date -u +%Y-%m-%d-%H%M%S)
    for database in sqlite postgres; do
        folder=migrations/$database/${stamp}_$name
        mkdir "$folder"
        touch "$folder/up.sql" "$folder/down.sql"
        echo "$folder"
    done

# Write docs/openapi.json anew from the code
openapi:
    document=$(cargo run -q -- openapi) && printf '%s\n' "$document" > docs/openapi.json

# Check the dependencies: who may use what, licences, sources
deny:
    bash .ci/deny

# Everything that CI checks
ci:
    bash .ci/run
