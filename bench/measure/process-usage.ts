/** Processor time, memory and bytes written of another process and its children, read from Linux's `/proc` (proc(5)). */

import { readdirSync, readFileSync } from 'node:fs'

export interface Usage {
  /** User and system time of all threads of the process and its children, also of children that have ended. */
  readonly cpuSeconds: number
  /** Pages that several of the processes share count once for each. */
  readonly residentBytes: number
  /** What they have sent towards the disk so far, as the kernel counts it; null where the system does not tell us. */
  readonly storedBytes: number | null
  /** What they have handed to `write(2)` and its like so far, connections of Node included, which writes to those too. */
  readonly writtenBytes: number | null
}

/** `/proc` counts in USER_HZ, which is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100
/** Positions after the command name, which is in brackets and may hold blanks: field 4, and 14 to 17 of the whole line. */
const parentAt = 1
const timesFrom = 11
const timesUntil = 15

interface Stat {
  readonly pid: number
  readonly parent: number
  readonly cpuSeconds: number
}

/** Null where the system is not Linux. Throws when there is no such process. */
export function readUsage(pid: number): Usage | null {
  if (process.platform !== 'linux') return null
  const root = readStat(pid)
  if (root === null) throw new Error(`there is no process ${pid}`)
  const tree = [root, ...descendants(pid)]
  const io = tree.map(stat => readIfThere(`/proc/${stat.pid}/io`))
  return {
    cpuSeconds: tree.reduce((sum, stat) => sum + stat.cpuSeconds, 0),
    residentBytes: tree.reduce((sum, stat) => sum + residentBytes(stat.pid), 0),
    storedBytes: sumOf(io, /^write_bytes: (\d+)$/m),
    writtenBytes: sumOf(io, /^wchar: (\d+)$/m),
  }
}

function descendants(pid: number): Stat[] {
  const all = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => readStat(Number(name)) ?? [])
  const children = Map.groupBy(all, stat => stat.parent)
  const below = (parent: number): Stat[] => (children.get(parent) ?? []).flatMap(child => [child, ...below(child.pid)])
  return below(pid)
}

function readStat(pid: number): Stat | null {
  const text = readIfThere(`/proc/${pid}/stat`)
  if (text === null) return null
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(timesFrom, timesUntil).reduce((sum, field) => sum + Number(field), 0)
  return { pid, parent: Number(fields[parentAt]), cpuSeconds: ticks / ticksPerSecond }
}

function residentBytes(pid: number): number {
  const status = readIfThere(`/proc/${pid}/status`) ?? ''
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

/** Null where one of them may not be read; processes that have ended have told their parent. */
function sumOf(texts: readonly (string | null)[], count: RegExp): number | null {
  let sum = 0
  for (const text of texts) {
    if (text === '') return null
    sum += Number(count.exec(text ?? '')?.[1] ?? 0)
  }
  return sum
}

/** Null for a process that has ended meanwhile; an empty text for what we may not read. */
function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return null
    if (code === 'EACCES') return ''
    throw error
  }
}
