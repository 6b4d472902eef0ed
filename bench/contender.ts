/** What the bench compares: programs that rotate refresh tokens over HTTP, each in processes of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import type { JWK } from 'jose'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ContenderName } from './names.ts'
import type { Cluster } from './postgres/cluster.ts'

export interface Contender {
  readonly name: ContenderName
  readonly store: StoreKind
  /** Writes a database with this many living families, and serves it. */
  readonly start: (ground: Ground) => Promise<Running>
}

export type StoreKind = 'sqlite' | 'postgres'

/** Where a contender starts. */
export interface Ground {
  /** Empty, and its own. */
  readonly directory: string
  readonly families: number
  /** More families that nobody presents, spread evenly among the others. */
  readonly idle: number
  /** Authorization codes that wait to be redeemed; 0 where codes are not measured. */
  readonly codes: number
  /** The PostgreSQL server of the run; null where no contender needs one. */
  readonly cluster: Cluster | null
  /** What the server's process must be started with. */
  readonly env: NodeJS.ProcessEnv
  readonly nodeFlags: readonly string[]
}

export interface Running extends ServerProcess {
  readonly name: ContenderName
  /** The value of the `authorization` header, or null where the program authenticates no client. */
  readonly authorization: string | null
  readonly endpoints: Endpoints
  /** The newest refresh token of every family, in the order they were made. */
  readonly tokens: string[]
  /** Codes to be redeemed with `codeParameters`. */
  readonly codes: string[]
  readonly place: Place
  /** The path of its JWK set, or its verifying key itself where it publishes none. */
  readonly verifyingKey: string | JWK
  /** Starts the server again on the same database, after it was stopped or killed. */
  readonly launch: () => Promise<ServerProcess>
}

export interface Endpoints {
  readonly token: string
  /** Form parameters that the program needs at a refresh beside the token, with a leading `&`, or empty. */
  readonly refreshParameters: string
  readonly introspect: string | null
  readonly revoke: string | null
}

/** Where the families are kept. */
export type Place =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string }

export const tokenOnly: Endpoints = { token: '/token', refreshParameters: '', introspect: null, revoke: null }

export interface ServerProcess {
  readonly pid: number
  readonly port: number
  /** How long the server took from its start to its ready line. */
  readonly readyMs: number
  readonly stop: () => Promise<void>
  /** SIGKILL: as little goodbye as a process can say. */
  readonly kill: () => Promise<void>
}

const readyWithinMs = 20_000
const stoppedWithinMs = 10_000
const logTailCharacters = 2000

/** Starts the server of a contender, and tells how to start it again. */
export async function launchServer(
  ground: Ground,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ServerProcess & Pick<Running, 'launch'>> {
  const launch = (): Promise<ServerProcess> => startServer(ground, args, env)
  return { ...(await launch()), launch }
}

/** Starts `node ARGUMENTS`, waits for its ready line and answers where it listens. Its log goes to `server.log`. */
async function startServer(ground: Ground, args: readonly string[], env: NodeJS.ProcessEnv): Promise<ServerProcess> {
  const logFile = join(ground.directory, 'server.log')
  const log = openSync(logFile, 'a')
  const startedAtMs = performance.now()
  const child = spawn(process.execPath, [...ground.nodeFlags, ...args], {
    stdio: ['ignore', 'pipe', log],
    env: { ...process.env, ...ground.env, ...env, NODE_ENV: 'production' },
  })
  closeSync(log)
  const kill = (): void => void child.kill('SIGKILL')
  // Whatever ends the bench, no server of its outlives it.
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  try {
    const ready = await readyLine(child)
    const readyMs = performance.now() - startedAtMs
    const { pid = 0 } = child
    const port = Number(new URL(ready.issuer).port)
    return { pid, port, readyMs, stop: () => stopServer(child), kill: () => killServer(child) }
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

async function killServer(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

export function basicAuthorization(clientId: string, clientSecret: string): string {
  // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

export function clusterOf(ground: Ground): Cluster {
  if (ground.cluster === null) throw new Error('this contender needs the PostgreSQL server of the run')
  return ground.cluster
}
