/** Pawl as an operator runs it: the client is registered with the command line, the server started with `pawl serve`. */

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { basicAuthorization, clusterOf, type Contender, type Ground, type Place, launchServer } from '../contender.ts'
import type { ContenderName } from '../names.ts'
import { createDatabase } from '../postgres/cluster.ts'
import { redirectUri } from '../redemption.ts'
import { pawlFile, pawlScopes, seedPawl } from './seed.ts'

const command = fileURLToPath(new URL('../../packages/server/bin/pawl.js', import.meta.url))

export const endpoints = { token: '/token', refreshParameters: '', introspect: '/introspect', revoke: '/revoke' }

export function pawl(name: ContenderName, workers: number): Contender {
  return {
    name,
    store: 'sqlite',
    start: ground => startPawl(name, ground, { workers, place: { kind: 'sqlite', file: pawlFile(ground.directory) } }),
  }
}

export function pawlPg(name: ContenderName, workers: number): Contender {
  return {
    name,
    store: 'postgres',
    start: async ground => {
      const url = await createDatabase(clusterOf(ground), name)
      return startPawl(name, ground, { workers, place: { kind: 'postgres', url } })
    },
  }
}

interface Setting {
  readonly workers: number
  readonly place: Place
}

async function startPawl(
  name: ContenderName,
  ground: Ground,
  { workers, place }: Setting,
): ReturnType<Contender['start']> {
  const { directory, families, codes, idle } = ground
  const masterKey = randomBytes(32).toString('base64url')
  const env = { PAWL_MASTER_KEY: masterKey }
  // The address of a database holds a password elsewhere, so that the flag is what an operator uses here as well.
  const store = place.kind === 'sqlite' ? ['--data', directory] : ['--data', directory, '--store', place.url]
  const { client_id: clientId, client_secret: clientSecret } = await addClient(store, env)
  const seeded = await seedPawl({ place, clientId, masterKey, families, idle, codes })
  const words = [command, 'serve', '--json', '--port', '0', '--workers', String(workers), ...store]
  const server = await launchServer(ground, words, env)
  const authorization = basicAuthorization(clientId, clientSecret)
  return { name, ...server, ...seeded, authorization, endpoints, verifyingKey: '/jwks', place }
}

interface AddedClient {
  readonly client_id: string
  readonly client_secret: string
}

async function addClient(store: readonly string[], env: NodeJS.ProcessEnv): Promise<AddedClient> {
  const registration = ['--kind', 'web', '--redirect', redirectUri, '--scope', pawlScopes.join(' ')]
  const args = [command, 'client', 'add', 'bench', ...registration, '--json', ...store]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
  return JSON.parse(stdout) as AddedClient
}
