/** A real Redis to be thrown away: on loopback, on a port of its own, killed and started again at will. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stablePort } from '../processes/stable-port.ts'
import type { Lifetime } from '../stage/lifetime.ts'

export interface RedisServer {
  readonly port: number
  /** SIGKILL, and a start on the same data; resolves when it answers. */
  readonly killAndStart: () => Promise<void>
}

/** Every write is on the disk before it is acknowledged. Rejects where the package `redis-server` is missing. */
export async function startRedis(lifetime: Lifetime): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), 'pawl-redis-'))
  const port = await stablePort()
  let server = await start(port, directory)
  lifetime.after(async () => {
    await end(server)
    rmSync(directory, { recursive: true })
  })
  return {
    port,
    killAndStart: async () => {
      await end(server)
      server = await start(port, directory)
    },
  }
}

async function start(port: number, directory: string): Promise<ChildProcess> {
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
  const durability = [
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ]
  const child = spawn('redis-server', [...place, ...durability], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child, 'spawn')
  const said: string[] = []
  for await (const line of createInterface(child.stdout)) {
    said.push(line)
    if (/Ready to accept connections/.test(line)) {
      // What it says later nobody reads, and it must not wait for that.
      child.stdout.resume()
      return child
    }
  }
  throw new Error(`redis-server does not come: ${said.join('\n')}`)
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = once(server, 'exit')
  server.kill('SIGKILL')
  await gone
}
