#!/bin/bash
# One client of scripts/hammer:   hammer-client.sh ROOT NUMBER SECONDS SEED
# Works at random in a cgroup of its own, where it knows what every file must say, and in a shared one, where others
# interfere and only the form of what is read can be checked. Prints a line WRONG… for whatever is not as it must be.
root=$1 me=$2 stop=$((SECONDS + $3))
RANDOM=$4
mine=$root/c$me
operations=0 serial=0 page=4096
# More than a read may be off: what four CPUs hold in stock, in bytes.
slack=$((4 * 64 * page))
declare -A leaf=()      # number of a leaf cgroup → how often it was made, while it is there
declare -A pid=()       # my task → its number
declare -A place=()     # my task → leaf, or "shared"
declare -A charged=()   # "task leaf generation" → bytes
generation=0

wrong() { echo "WRONG client $me: $*"; }
finish() { echo "OPERATIONS $operations"; }
trap finish EXIT

# Text of a file into $text; fails like the read does.
slurp() { text=$(<"$1") 2>/dev/null; }

expect() { # expect FILE TEXT
  slurp "$1" || { wrong "cannot read $1"; return; }
  [ "$text" = "$2" ] || wrong "$1 says '$text', not '$2'"
}

do_in() { # do_in LEAF LINE
  echo "$2" >"$mine/l$1/.memcgfs/do" || wrong "do '$2' in l$1 failed: $(<"$mine/l$1/.memcgfs/result")"
}

any_leaf() { local all=("${!leaf[@]}"); [ ${#all[@]} -gt 0 ] && one=${all[RANDOM % ${#all[@]}]}; }
any_task() { local all=("${!pid[@]}"); [ ${#all[@]} -gt 0 ] && task=${all[RANDOM % ${#all[@]}]}; }

tasks_of() { # numbers of my tasks in a leaf, sorted
  local t
  for t in "${!place[@]}"; do [ "${place[$t]}" = "$1" ] && echo "${pid[$t]}"; done | sort -n
}

forget() { # forget TASK
  local key
  unset "pid[$1]" "place[$1]"
  for key in "${!charged[@]}"; do [[ $key == "$1 "* ]] && unset "charged[$key]"; done
}

make_leaf() {
  local k=$((RANDOM % 6))
  if [ -n "${leaf[$k]-}" ]; then
    mkdir "$mine/l$k" 2>/dev/null && wrong "mkdir l$k succeeded twice"
    return
  fi
  mkdir "$mine/l$k" || { wrong "mkdir l$k failed"; return; }
  leaf[$k]=$((++generation))
  expect "$mine/l$k/cgroup.type" domain
  expect "$mine/l$k/memory.current" 0
  expect "$mine/l$k/pids.current" 0
}

remove_leaf() {
  any_leaf || return
  if [ -n "$(tasks_of "$one")" ]; then
    rmdir "$mine/l$one" 2>/dev/null && wrong "rmdir of the populated l$one succeeded"
    return
  fi
  local held
  exec {held}<"$mine/l$one/memory.max"
  if rmdir "$mine/l$one"; then
    unset "leaf[$one]"
    [ -e "$mine/l$one" ] && wrong "l$one is there after rmdir"
    [ -e "$mine/l$one/memory.max" ] && wrong "l$one/memory.max is there after rmdir"
    cat <&"$held" 2>/dev/null && wrong "memory.max of the removed l$one can be read"
  else
    wrong "rmdir l$one failed"
  fi
  exec {held}<&-
}

limit() {
  any_leaf || return
  local pages=$((RANDOM + 100000)) file=memory.high
  [ $((RANDOM % 2)) = 0 ] && file=memory.max
  echo $((pages * page + RANDOM % page)) >"$mine/l$one/$file" || wrong "writing l$one/$file failed"
  expect "$mine/l$one/$file" $((pages * page))
  echo $((RANDOM % 50 + 50)) >"$mine/l$one/pids.max" || wrong "writing l$one/pids.max failed"
  echo max >"$mine/l$one/pids.max" || wrong "writing max to l$one/pids.max failed"
  expect "$mine/l$one/pids.max" max
  echo x 2>/dev/null >"$mine/l$one/memory.low" && wrong "memory.low took x"
}

new_task() {
  any_leaf && [ ${#pid[@]} -lt 12 ] || return
  local name=c${me}_$((++serial))
  do_in "$one" "task $name bare"
  slurp "$mine/l$one/.memcgfs/result"
  [[ $text =~ pid=([0-9]+) ]] || { wrong "no pid in '$text'"; return; }
  pid[$name]=${BASH_REMATCH[1]} place[$name]=$one
}

use_memory() {
  any_task && [ "${place[$task]}" != shared ] || return
  local at=${place[$task]} pages=$((RANDOM % 64 + 1)) key
  do_in "$at" "anon $task r$((++serial)) ${pages}p"
  key="$task $at ${leaf[$at]}"
  charged[$key]=$((${charged[$key]-0} + pages * page))
}

check_memory() {
  any_leaf || return
  local key sum=0
  for key in "${!charged[@]}"; do [[ $key == *" $one ${leaf[$one]}" ]] && sum=$((sum + charged[$key])); done
  slurp "$mine/l$one/memory.current" || { wrong "cannot read l$one/memory.current"; return; }
  [ "$text" -ge $sum ] && [ "$text" -le $((sum + slack)) ] || wrong "l$one/memory.current is $text, not about $sum"
}

move_task() {
  any_task && any_leaf || return
  echo "${pid[$task]}" >"$mine/l$one/cgroup.procs" || { wrong "moving $task to l$one failed"; return; }
  place[$task]=$one
}

end_task() {
  any_task || return
  # From the root: the shared cgroup it is in may go away at any time. A frozen task can be killed.
  echo "kill $task" >"$root/.memcgfs/do" || wrong "kill $task failed: $(<"$root/.memcgfs/result")"
  forget "$task"
}

check_members() {
  any_leaf || return
  local expected count populated=0
  expected=$(tasks_of "$one")
  count=$(wc -w <<<"$expected")
  [ "$count" -gt 0 ] && populated=1
  slurp "$mine/l$one/cgroup.procs" || wrong "cannot read l$one/cgroup.procs"
  [ "$(sort -n <<<"$text")" = "$expected" ] || wrong "l$one/cgroup.procs is '$text', not '$expected'"
  expect "$mine/l$one/pids.current" "$count"
  expect "$mine/l$one/cgroup.events" "populated $populated"$'\n'"frozen 0"
}

join_and_leave() { # a real process
  any_leaf || return
  local said
  said=$(
    echo 0 >"$mine/l$one/cgroup.procs" || echo refused
    grep -cx "$BASHPID" "$mine/l$one/cgroup.procs"
    echo 0 >"$root/cgroup.procs" || echo refused
  ) 2>/dev/null
  [ "$said" = 1 ] || wrong "the shell that moved to l$one found itself '$said' times"
}

change_mode() {
  any_leaf || return
  local mode=$((RANDOM % 4 * 2 + 600))
  chmod 0$mode "$mine/l$one/memory.min" || wrong "chmod failed"
  [ "$(stat -c %a "$mine/l$one/memory.min")" = $mode ] || wrong "the mode of l$one/memory.min is not $mode"
}

# Every line a name and numbers: "key 1", "some avg10=0.00 …", "1", "max", names of controllers.
well_formed() { # well_formed FILE
  local line form='^([a-z_0-9.]+( [a-z_0-9=.]+)*|max|)$'
  slurp "$1" 2>/dev/null || return
  while IFS= read -r line; do
    [[ $line =~ $form ]] || { wrong "$1 has the line '$line'"; return; }
  done <<<"$text"
}

look_around() {
  local files=(cgroup.stat cgroup.events cgroup.controllers memory.stat memory.events memory.current memory.pressure pids.events)
  local file=${files[RANDOM % ${#files[@]}]}
  case $((RANDOM % 3)) in
    0) well_formed "$root/shared/$file" ;;
    1) well_formed "$root/c$((RANDOM % 200))/$file" ;;
    2) well_formed "$root/shared/s$((RANDOM % 8))/$file" ;;
  esac
}

interfere() {
  local there=$root/shared/s$((RANDOM % 8))
  case $((RANDOM % 6)) in
    0 | 1) mkdir "$there" ;;
    2) rmdir "$there" ;;
    3) echo $((RANDOM % 2)) >"$there/cgroup.freeze" ;;
    4) any_task && echo "${pid[$task]}" >"$there/cgroup.procs" && place[$task]=shared ;;
    5) echo $((RANDOM * 65536)) >"$there/memory.high" ;;
  esac 2>/dev/null
}

mkdir "$mine" && echo "+memory +pids" >"$mine/cgroup.subtree_control" || { wrong "cannot begin"; exit; }
actions=(make_leaf make_leaf remove_leaf limit new_task new_task use_memory use_memory check_memory move_task end_task
  check_members check_members join_and_leave change_mode look_around look_around interfere interfere)
while [ $SECONDS -lt $stop ]; do
  ${actions[RANDOM % ${#actions[@]}]}
  operations=$((operations + 1))
done
