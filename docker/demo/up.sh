#!/bin/sh
# Starts the containers of compose.yaml, or removes them with `down`. Uses Docker's compose plugin
# if it is installed, and docker run otherwise.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
action=${1:-up}
project=porthole-demo

run() {
    service=$1
    shift
    docker run -d --name "$service" --network none --label com.docker.compose.project=$project \
        --label com.docker.compose.service="$service" --label com.docker.compose.container-number=1 "$@" >/dev/null
    echo "$service"
}

case $action in
up | down) ;;
*)
    echo "usage: up.sh [down]" >&2
    exit 2
    ;;
esac

# The directory of the prepared container, which porthole creates.
state=${XDG_STATE_HOME:-$HOME/.local/state}/porthole/mnt

if docker compose version >/dev/null 2>&1; then
    if [ "$action" = down ]; then exec docker compose -f "$here/compose.yaml" down; fi
    sh "$here/images.sh" >/dev/null
    exec docker compose -f "$here/compose.yaml" up -d
fi

running=$(docker ps -aq --filter label=com.docker.compose.project=$project)
# shellcheck disable=SC2086 # one word an id
[ -z "$running" ] || docker rm -f $running >/dev/null
[ "$action" = up ] || exit 0
sh "$here/images.sh" >/dev/null
image=$project/scratch
run rotating $image log /log/app.log 200 50
run deleted $image log /log/gone.log 500 0 remove /log/gone.log
run memory --tmpfs /cache $image log /cache/state.log 1000 0
run locked --user 1000 --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp $image log /tmp/app.log 300 0
run shell $project/shell fifo /tmp/pipe log /log/app.log 200 0
run device --device /dev/net/tun $image hold /dev/net/tun
if [ -d "$state" ]; then
    run prepared --volume "$state:/run/porthole:ro" $image log /log/app.log 200 0
else
    echo "prepared: left out, for porthole was not run yet and $state is not there" >&2
fi
