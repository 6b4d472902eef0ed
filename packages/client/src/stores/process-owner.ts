/**
 * Which process has something, written so that any other process of the machine can tell whether it still lives. A
 * process id alone does not say that: it is given out again, soon in a container, where every start has the same one. So
 * the time of its start, the start of the machine and the process namespace are written down with it, where the system
 * tells them (Linux). What cannot be told is called unknown, never dead.
 */

import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

export interface ProcessOwner {
  readonly host: string
  /** Another one after each start of the machine. */
  readonly boot: string
  readonly namespace: string
  readonly pid: number
  /** When it started, in ticks since the start of the machine. */
  readonly started: string
}

/** `unknown`: of another machine or container, or its id may have been given to another process. */
export type Standing = 'alive' | 'dead' | 'unknown'

const untold = '0'

export function thisProcess(): ProcessOwner {
  return {
    host: shortHash(`${hostname()}\n${textOf('/etc/machine-id') ?? ''}`),
    boot: shortHash(textOf('/proc/sys/kernel/random/boot_id')),
    namespace: processNamespace(),
    pid: process.pid,
    started: startOf('self') ?? untold,
  }
}

/** Letters, digits and hyphens. */
export function writeOwner({ host, boot, namespace, pid, started }: ProcessOwner): string {
  return `${host}-${boot}-${namespace}-${pid}-${started}`
}

export function readOwner(text: string): ProcessOwner | null {
  const pattern = /^(?<host>[0-9a-f]+)-(?<boot>[0-9a-f]+)-(?<namespace>\d+)-(?<pid>\d+)-(?<started>\d+)$/
  const { host, boot, namespace, pid, started } = pattern.exec(text)?.groups ?? {}
  if (host === undefined || boot === undefined || namespace === undefined) return null
  if (pid === undefined || started === undefined) return null
  return { host, boot, namespace, pid: Number(pid), started }
}

export function standingOf(owner: ProcessOwner, me: ProcessOwner): Standing {
  if (owner.host !== me.host) return 'unknown'
  if (owner.boot !== me.boot) return 'dead'
  if (owner.namespace !== me.namespace) return 'unknown'
  if (owner.pid === me.pid && owner.started === me.started) return 'alive'
  if (owner.started === untold || me.started === untold) return isThere(owner.pid) ? 'unknown' : 'dead'
  return startOf(String(owner.pid)) === owner.started ? 'alive' : 'dead'
}

/** Null for a process that is gone, or that is dead and was not yet fetched by its parent. */
function startOf(pid: string): string | null {
  // The name of the program stands in brackets and may hold anything, so what follows is counted from the last one.
  const fields = textOf(`/proc/${pid}/stat`)
    ?.replace(/^.*\)\s/s, '')
    .split(' ')
  const [state = 'X'] = fields ?? []
  return /[XxZ]/.test(state) ? null : (fields?.[startField] ?? null)
}

/** `starttime`, field 22 of proc_pid_stat(5), counted from the state, which is field 3. */
const startField = 19

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function processNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? untold
  } catch {
    // No Linux, or no /proc: then ids are compared as they are.
    return untold
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    // It is not there, or not to be read: either way it tells nothing.
    return null
  }
}

const hashDigits = 8

function shortHash(text: string | null): string {
  if (text === null) return untold
  return createHash('sha256').update(text).digest('hex').slice(0, hashDigits)
}
