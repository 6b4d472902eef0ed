/** Programs of the operating system that run beside a test and end with it. */

import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Account } from '../postgres/ground.ts'
import { runningProcesses } from '../postgres/process-table.ts'

export interface Program {
  /** SIGTERM; resolves when it is gone. */
  readonly stop: () => Promise<void>
  /** SIGKILL to it alone. */
  readonly kill: () => Promise<void>
}

export interface Setting {
  readonly account: Account
  /** Where it runs and writes its log. */
  readonly directory: string
  readonly environment: { readonly [name: string]: string }
}

/** Only the folders of the system: what somebody put before them is not what an operator would run. */
const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin'
const goneMsMax = 120_000

export function startProgram(name: string, words: readonly string[], setting: Setting): Program {
  const { account, directory, environment } = setting
  const log = openSync(join(directory, `${name}.log`), 'a', 0o644)
  const child = spawn(name, words, {
    stdio: ['ignore', log, log],
    cwd: directory,
    env: { PATH: systemPath, LC_ALL: 'C', ...environment },
    ...account,
  })
  closeSync(log)
  let failure: Error | null = null
  const ended = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.once('error', error => {
      failure = new Error(`${name} did not start: is it installed?`, { cause: error })
      resolve()
    })
  })
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await ended
    if (failure !== null) throw failure
  }
  return { stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

/** SIGKILL to a process and all it started, as if the machine had lost its power. */
export async function killTree(pid: number): Promise<void> {
  const children = runningProcesses().filter(({ parent }) => parent === pid)
  const all = [pid, ...children.map(child => child.pid)]
  for (const one of all) process.kill(one, 'SIGKILL')
  const deadline = performance.now() + goneMsMax
  while (runningProcesses().some(one => all.includes(one.pid))) {
    if (performance.now() > deadline) throw new Error(`processes of ${pid} survived SIGKILL`)
    await pause(2)
  }
}
