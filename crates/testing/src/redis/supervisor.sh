# Runs a Redis server for the process at the other end of the pipes: reads commands from standard
# input, and answers each on one line. At the end of the input, which is also the end of that process,
# it kills the server and removes the folder.
#
# $1  redis-server
# $2  the folder to work in, which holds `redis.conf`
program=$1
folder=$2
server=

# Whatever ends the owner must not end this first, nor must an answer that nobody reads.
trap '' HUP INT TERM PIPE

stop() {
    if [ -n "$server" ]; then
        # Paused or not.
        kill -KILL "$server"
        wait "$server"
        server=
    fi
}

while read -r command setting port; do
    case $command in
    start)
        "$program" "$folder/redis.conf" "$setting" "$port" >>"$folder/log" 2>&1 </dev/null &
        server=$!
        echo "$server"
        ;;
    stop)
        stop
        echo ok
        ;;
    esac
done

stop
rm -rf "$folder"
