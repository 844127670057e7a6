# Makes a cluster and runs it for the process at the other end of the pipes: reads commands from
# standard input, and answers each with `ok` or `failed`. At the end of the input, which is also the
# end of that process, it stops the server and removes the folder.
#
# $1  the folder of PostgreSQL's programs
# $2  the folder to work in, which holds the file `password`
# $3  the role to make
programs=$1
folder=$2
role=$3
data=$folder/data

# Whatever ends the owner must not end this first, nor must an answer that nobody reads.
trap '' HUP INT TERM PIPE

exec 2>>"$folder/log"

answer() {
    if [ "$1" -eq 0 ]; then echo ok; else echo failed; fi
}

stop() {
    "$programs/pg_ctl" stop -D "$data" -m immediate -w -t 60 >&2 </dev/null
}

"$programs/initdb" -D "$data" -U "$role" -E UTF8 --locale=C -A password \
    --pwfile="$folder/password" --no-sync >&2 </dev/null
answer $?

while read -r command options; do
    case $command in
    start)
        "$programs/pg_ctl" start -D "$data" -w -t 60 -l "$folder/log" -o "$options" >&2 </dev/null
        ;;
    stop) stop ;;
    *) false ;;
    esac
    answer $?
done

if read -r server _ <"$data/postmaster.pid"; then
    # Paused processes do not end before they go on.
    kill -CONT "$server" $(cat "/proc/$server/task/$server/children")
    stop
fi
rm -rf "$folder"
