/**
 * The newcomer's first minute: starts `pawl dev` on a free port in a directory of its own, plays `pawl try` against it,
 * and tidies up. Exits 0 only if every step ended as promised.
 *
 *     npm run demo [-- --keep]        --keep leaves the server running and says how to use it
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const pawl = fileURLToPath(new URL('../packages/server/bin/pawl.js', import.meta.url))
const keep = process.argv.includes('--keep')
const directory = mkdtempSync(join(tmpdir(), 'pawl-demo-'))

process.exitCode = await demo()

async function demo(): Promise<number> {
  const server = spawn(process.execPath, [pawl, 'dev', '--data', directory, '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // Ctrl-C reaches the children as well; they end, and then this tidies up after them.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => server.kill('SIGTERM'))
  try {
    const ready = await firstLine(server)
    if (ready === null) return 1
    const exitCode = await play()
    if (keep && exitCode === 0) await stay(server, ready)
    return exitCode
  } finally {
    await stop(server)
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Ready {
  readonly issuer: string
  readonly samples: { readonly user: { readonly email: string; readonly password: string } }
}

/** What the server prints when it is ready, or null when it ended before. */
async function firstLine(server: ChildProcess): Promise<Ready | null> {
  if (server.stdout === null) return null
  for await (const line of createInterface({ input: server.stdout })) return JSON.parse(line) as Ready
  return null
}

async function play(): Promise<number> {
  const story = spawn(process.execPath, [pawl, 'try', '--data', directory], { stdio: 'inherit' })
  const [exitCode] = (await once(story, 'exit')) as [number | null]
  return exitCode ?? 1
}

/** Until Ctrl-C, which reaches the server too. */
async function stay(server: ChildProcess, ready: Ready): Promise<void> {
  const { email, password } = ready.samples.user
  console.log(`\nThe server goes on at ${ready.issuer} until Ctrl-C; then its data is deleted.`)
  console.log(`  sign in as   ${email}   ${password}`)
  console.log(`  everything   ${directory}/dev.json`)
  console.log(`  look         npx pawl families list --data ${directory}`)
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = once(server, 'exit')
  server.kill('SIGTERM')
  await ended
}
