# Shared by the commands of this folder; sourced from the project's root.
private_node=$PWD/tests/system/.node/node

say() { printf '== %s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "installing packages needs root: run this as root or with sudo"
    fi
}

# The Node that runs the demo and the system tests.
node_bin() {
    if [ -x "$private_node" ]; then
        echo "$private_node"
    else
        command -v node
    fi
}
