/**
 * Real `pawl serve` processes: started from the command line on a data directory, told apart from this process by
 * nothing but sockets, killed as if the machine had lost its power, and started again on the same port.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Ground } from '../stage/browser.ts'
import { engineOfTheRun } from '../stage/database.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { databaseFor } from '../stage/scene.ts'
import { stablePort } from './stable-port.ts'

const program = fileURLToPath(new URL('../../packages/server/bin/pawl.js', import.meta.url))
const stderrCharactersMax = 100_000
/** A server that takes longer than this to say that it is ready never will, however busy the machine is. */
const readyMsMax = 180_000

type Environment = { readonly [name: string]: string | undefined }

export interface ServeOptions {
  readonly data: string
  /** 0, the default, takes a free one; `stablePort` finds one that is still free after a restart. */
  readonly port?: number
  readonly flags?: readonly string[]
  /** Threads that answer; 1 unless the test is about several. All have joined once the server is started. */
  readonly workers?: number
  /** All the process sees besides PATH: nothing of the test's own environment leaks in. */
  readonly environment?: Environment
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A ground for browsers and applications of the stage: requests go over a socket, on connections that are kept. */
export interface ServerProcess extends Ground {
  readonly port: number
  /** Where the process answers, whatever the issuer says. */
  readonly origin: string
  readonly admin: string
  /** From the start of the process to its ready line. */
  readonly readyMs: number
  readonly stderr: () => string
  readonly signal: (name: NodeJS.Signals) => void
  readonly exited: Promise<Exit>
  /** SIGKILL; resolves when the process is gone. */
  readonly kill: () => Promise<void>
  /** SIGTERM; resolves with how the process ended. */
  readonly stop: () => Promise<Exit>
}

/** Starts a server and waits for its ready line. Rejects with what it wrote to stderr when it ends instead. */
export async function startServer(lifetime: Lifetime, options: ServeOptions): Promise<ServerProcess> {
  const startedAtMs = performance.now()
  const child = spawnPawl(wordsOf(options), options.environment)
  const exited = exitOf(child)
  const stderr = collected(child)
  lifetime.after(() => killed(child, exited))
  const line = await readyLine(child, exited)
  if (line === null) throw new Error(`pawl serve did not get ready: ${stderr()}`)
  const { issuer, admin } = JSON.parse(line) as { readonly issuer: string; readonly admin: string }
  await joined(stderr, (options.workers ?? 1) - 1, exited)
  const port = portOf(options, issuer)
  const origin = `http://127.0.0.1:${port}`
  return {
    issuer,
    port,
    origin,
    admin,
    readyMs: performance.now() - startedAtMs,
    stderr,
    signal: name => child.kill(name),
    exited,
    send: (path, init) => fetch(new URL(path, origin), { redirect: 'manual', ...init }),
    kill: () => killed(child, exited),
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
  }
}

/** A server that is killed and started again on its port, while others go on asking for it. */
export interface RestartingServer {
  /** The server once it is ready, after a restart that is under way. */
  readonly up: () => Promise<ServerProcess>
  /** Kills it and starts the next one at once. What fails is told by `up`. */
  readonly killAndStart: () => void
}

export async function restartingServer(lifetime: Lifetime, options: ServeOptions): Promise<RestartingServer> {
  const fixed = { ...options, port: await stablePort() }
  let current = startServer(lifetime, fixed)
  await current
  return {
    up: () => current,
    killAndStart: () => {
      const before = current
      current = before.then(async server => {
        await server.kill()
        return startServer(lifetime, fixed)
      })
    },
  }
}

export interface Output extends Exit {
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly environment?: Environment
  readonly stdin?: string
}

/** Runs one command of the real command line to its end. */
export async function runPawl(words: readonly string[], options: CommandOptions = {}): Promise<Output> {
  const child = spawnPawl(words, options.environment)
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const stderr = collected(child)
  child.stdin?.end(options.stdin ?? '')
  const exit = await exitOf(child)
  return { ...exit, stdout, stderr: stderr() }
}

/** The same for a command that must work: its JSON document. */
export async function pawlJson(words: readonly string[], options?: CommandOptions): Promise<unknown> {
  const { code, stdout, stderr } = await runPawl([...words, '--json'], options)
  if (code !== 0) throw new Error(`pawl ${words[0]} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout)
}

/** A data directory on the store of this run, gone after the test: a database elsewhere is named in its `pawl.yaml`. */
export async function dataDirectory(lifetime: Lifetime): Promise<string> {
  const directory = await emptyDirectory(lifetime)
  if (engineOfTheRun() === 'sqlite') return directory
  const { store } = await databaseFor(lifetime)
  await writeFile(join(directory, 'pawl.yaml'), `store: ${store}\n`, { mode: 0o600 })
  return directory
}

/** For all else; gone after the test too. */
export async function emptyDirectory(lifetime: Lifetime): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pawl-process-'))
  lifetime.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

function spawnPawl(words: readonly string[], environment: Environment = {}): ChildProcess {
  const visible = { PATH: process.env['PATH'], ...environment }
  return spawn(process.execPath, [program, ...words], { stdio: 'pipe', env: visible })
}

function wordsOf({ data, port = 0, flags = [], workers = 1 }: ServeOptions): string[] {
  const threads = ['--workers', String(workers), '--log-level', workers === 1 ? 'warn' : 'info']
  return ['serve', '--json', '--port', String(port), '--data', data, ...threads, ...flags]
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

/** Workers join a server that is ready already, and say so in its log. */
async function joined(stderr: () => string, workers: number, exited: Promise<Exit>): Promise<void> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  exited.then(over, over)
  while (!isOver && stderr().split('a worker joined').length - 1 < workers) {
    await new Promise(next => setImmediate(next))
  }
}

function collected(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    if (text.length < stderrCharactersMax) text += more
  })
  return () => text
}

async function killed(child: ChildProcess, exited: Promise<Exit>): Promise<void> {
  child.kill('SIGKILL')
  await exited
}

/** Null when the process ended without one. */
async function readyLine(child: ChildProcess, exited: Promise<Exit>): Promise<string | null> {
  if (child.stdout === null) throw new Error('the process has no stdout')
  const lines = createInterface({ input: child.stdout })
  const watchdog = setTimeout(() => child.kill('SIGKILL'), readyMsMax)
  const line = await Promise.race([once(lines, 'line').then(([first]) => String(first)), exited.then(() => null)])
  clearTimeout(watchdog)
  return line
}

function portOf(options: ServeOptions, issuer: string): number {
  if (options.port !== undefined && options.port !== 0) return options.port
  const named = Number(new URL(issuer).port)
  if (options.flags?.includes('--issuer') === true) throw new Error('a server with an issuer needs a port of its own')
  return named
}
