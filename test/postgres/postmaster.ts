/**
 * The process of a cluster, and that it never outlives its test: a guard, a small shell, holds the other end of a pipe,
 * and when this process is gone, however it ended, the guard ends the server and removes its directory.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { Account } from './ground.ts'
import { runningProcesses } from './process-table.ts'

export interface Guard {
  /** The process to end; null while none runs. */
  readonly watch: (pid: number | null) => void
  /** Ends what it watches and removes the directory. */
  readonly release: () => Promise<void>
}

export interface Postmaster {
  readonly pid: number
  readonly exited: Promise<void>
  readonly hasExited: () => boolean
  /** Ends connections and writes everything down; no crash recovery at the next start. */
  readonly stop: () => Promise<void>
  /** SIGKILL to the server and to every process of it, as if the machine had lost its power. */
  readonly kill: () => Promise<void>
}

/** What a shell does after our own end. The file goes when the server has ended; its process id may stay for longer. */
const guardScript = `
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  kill -QUIT "$pid"
  kill -CONT "$pid"
  turns=100
  while [ $turns -gt 0 ] && [ -e "$0/data/postmaster.pid" ]; do turns=$((turns - 1)); sleep 0.1; done
fi
rm -rf "$0"
`

const goneMsMax = 120_000

export function startGuard(directory: string): Guard {
  const child = spawn('/bin/sh', ['-c', guardScript, directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  const stdin = child.stdin as Writable & { unref: () => void }
  child.unref()
  stdin.unref()
  return {
    watch: pid => void stdin.write(`${pid ?? ''}\n`),
    release: async () => {
      child.ref()
      stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

export interface Start {
  readonly program: string
  readonly words: readonly string[]
  readonly account: Account
  readonly log: string
}

/** A session of its own, so that the keyboard's interrupt does not reach it before its tests have ended. */
export function startPostmaster({ program, words, account, log }: Start, guard: Guard): Postmaster {
  const stderr = openSync(log, 'a')
  const child = spawn(program, words, {
    stdio: ['ignore', stderr, stderr],
    env: { LC_ALL: 'C' },
    detached: true,
    ...account,
  })
  closeSync(stderr)
  const { pid } = child
  if (pid === undefined) throw new Error(`${program} did not start`)
  guard.watch(pid)
  child.unref()
  const hasExited = (): boolean => child.exitCode !== null || child.signalCode !== null
  const exited = new Promise<void>(resolve => {
    child.once('exit', () => {
      guard.watch(null)
      resolve()
    })
  })
  return {
    pid,
    exited,
    hasExited,
    stop: () => ended(child, exited, () => child.kill('SIGINT')),
    kill: () => ended(child, exited, () => killFamily(child, pid)),
  }
}

async function ended(child: ChildProcess, exited: Promise<void>, end: () => unknown): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  await end()
  await exited
}

/** The parent is stopped first, so that it neither forks nor cleans up while its children die. */
async function killFamily(child: ChildProcess, pid: number): Promise<void> {
  child.kill('SIGSTOP')
  const children = runningProcesses()
    .filter(({ parent }) => parent === pid)
    .map(one => one.pid)
  for (const one of children) killIfThere(one)
  child.kill('SIGKILL')
  const deadline = performance.now() + goneMsMax
  while (runningProcesses().some(one => children.includes(one.pid))) {
    if (performance.now() > deadline) throw new Error(`processes of PostgreSQL ${pid} survived SIGKILL`)
    await pause(2)
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
