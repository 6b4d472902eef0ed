/** The processes of this machine, from `/proc` or, where there is none, from `ps`: who was started by whom. */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface RunningProcess {
  readonly pid: number
  readonly parent: number
}

/** All that are alive: one that has ended and only waits for its parent to notice is not. */
export function runningProcesses(): readonly RunningProcess[] {
  const rows = existsSync('/proc/self/stat') ? rowsOfProc() : rowsOfPs()
  return rows.flatMap(row => {
    const { pid, state, parent } =
      /^\s*(?<pid>\d+) (?:\(.*\) )?(?<state>[A-Za-z])\S* +(?<parent>\d+)/s.exec(row)?.groups ?? {}
    if (pid === undefined || parent === undefined) throw new Error(`a row of the process table reads: ${row}`)
    return state === 'Z' || state === 'X' ? [] : [{ pid: Number(pid), parent: Number(parent) }]
  })
}

function rowsOfProc(): readonly string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => statOf(name) ?? [])
}

/** Null for a process that ended since the folder was read. */
function statOf(name: string): string | null {
  try {
    return readFileSync(`/proc/${name}/stat`, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return null
    throw error
  }
}

function rowsOfPs(): readonly string[] {
  const { stdout, error } = spawnSync('ps', ['-A', '-o', 'pid=,state=,ppid='], { encoding: 'utf8' })
  if (error !== undefined) throw error
  return stdout.split('\n').filter(row => row !== '')
}
