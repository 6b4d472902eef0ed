/** What the bench compares: programs that rotate refresh tokens at `POST /token`, each in a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const contenderNames = ['limit', 'oidc-provider', 'oidc-provider-plain', 'pawl'] as const
export type ContenderName = (typeof contenderNames)[number]

export interface Contender {
  readonly name: ContenderName
  /** Writes a database with this many living families into the empty directory, and serves it. */
  readonly start: (directory: string, families: number) => Promise<Running>
}

export interface Running {
  readonly name: ContenderName
  readonly pid: number
  readonly port: number
  /** The value of the `authorization` header, or null where the program authenticates no client. */
  readonly authorization: string | null
  /** The newest refresh token of every family, in the order they were made. */
  readonly tokens: string[]
  readonly databaseFile: string
  readonly stop: () => Promise<void>
}

export interface ServerProcess {
  readonly pid: number
  readonly port: number
  readonly stop: () => Promise<void>
}

const readyWithinMs = 20_000
const stoppedWithinMs = 10_000
const logTailCharacters = 2000

/** Starts `node ARGUMENTS`, waits for its ready line and answers where it listens. Its log goes to `server.log`. */
export async function startServer(
  directory: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ServerProcess> {
  const logFile = join(directory, 'server.log')
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', openSync(logFile, 'a')],
    env: { ...process.env, ...env, NODE_ENV: 'production' },
  })
  const kill = (): void => void child.kill('SIGKILL')
  // Whatever ends the bench, no server of its outlives it.
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  try {
    const ready = await readyLine(child)
    return { pid: child.pid ?? 0, port: Number(new URL(ready.issuer).port), stop: () => stopServer(child) }
  } catch (cause) {
    child.kill('SIGKILL')
    const tail = readFileSync(logFile, 'utf8').slice(-logTailCharacters)
    throw new Error(`node ${args.join(' ')} did not become ready; its log ends:\n${tail}`, { cause })
  }
}

function readyLine(child: ChildProcess): Promise<{ readonly issuer: string }> {
  const { stdout } = child
  if (stdout === null) throw new Error('the server was started without a pipe for its output')
  return new Promise((resolve, reject) => {
    const overdue = setTimeout(() => reject(new Error(`not ready within ${readyWithinMs} ms`)), readyWithinMs)
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`exited with ${code}`)))
    createInterface({ input: stdout }).once('line', line => {
      clearTimeout(overdue)
      resolve(JSON.parse(line) as { issuer: string })
    })
  })
}

/** Asks the server to stop. One that has to be killed, or that fails while stopping, fails the run. */
function stopServer(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null) return reject(new Error(`the server was gone already: exit code ${child.exitCode}`))
    const overdue = setTimeout(() => child.kill('SIGKILL'), stoppedWithinMs)
    child.once('exit', (code, signal) => {
      clearTimeout(overdue)
      if (code === 0) resolve()
      else reject(new Error(`the server did not stop cleanly: exit code ${code}, signal ${signal}`))
    })
    child.kill('SIGTERM')
  })
}

export function basicAuthorization(clientId: string, clientSecret: string): string {
  // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
