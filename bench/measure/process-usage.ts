/** Processor time and memory of another process, read from Linux's `/proc` (proc_pid_stat(5)). */

import { readFileSync } from 'node:fs'

export interface Usage {
  /** User and system time of all its threads. */
  readonly cpuSeconds: number
  readonly residentBytes: number
}

/** `/proc` counts in USER_HZ, which is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100
/** Positions after the command name, which is in brackets and may hold blanks: fields 14 and 15 of the whole line. */
const userTimeAt = 11
const systemTimeAt = 12

/** Null where the system is not Linux. Throws when there is no such process. */
export function readUsage(pid: number): Usage | null {
  if (process.platform !== 'linux') return null
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[userTimeAt]) + Number(fields[systemTimeAt])
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return { cpuSeconds: ticks / ticksPerSecond, residentBytes: Number(resident) * 1024 }
}
