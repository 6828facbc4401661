# Runs rehearse.py ($1) with the arguments that follow, by the first Python of the image that has the
# program (exit code 3: this one has not). Where none of the usual ones has it, by that of the virtual
# environment in which the program lies, wherever that is; or by any, for a program that lies in none.
script=$1
shift
root=${REHEARSAL_ROOT:-}
usual='python3 python /var/lib/openstack/bin/python3 /var/lib/kolla/venv/bin/python3 /opt/*/bin/python3 /usr/libexec/platform-python'
for look in usual elsewhere; do
  pythons=$usual
  if [ "$look" = elsewhere ]; then
    pythons=
    found=$(find "$root/" -xdev -type d \( -name openstack_dashboard -o -name oslo_middleware -o -path '*-packages/swift' \) -prune 2>/dev/null)
    for package in $found; do
      prefix=${package%/lib*/python*}
      if [ "$prefix" != "$package" ] && [ -x "$prefix/bin/python3" ]; then
        pythons="$pythons $prefix/bin/python3"
      else
        PYTHONPATH=${PYTHONPATH:+$PYTHONPATH:}${package%/*}
      fi
    done
    export PYTHONPATH
    pythons="$pythons python3 python"
  fi
  for python in $pythons; do
    command -v "$python" >/dev/null 2>&1 || continue
    "$python" -B -c "$script" "$@"
    code=$?
    [ "$code" = 3 ] || exit "$code"
  done
done
answer=${REHEARSAL_ANSWER:-/dev/termination-log}
echo '{"problem": {"code": "NoProgram", "text": "no Python of the image has the program that is to load the files"}}' | tee "$answer"
exit 1
