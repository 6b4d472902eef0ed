/** Pawl as an operator runs it: the client is registered with the command line, the server started with `pawl serve`. */

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { basicAuthorization, type Contender, startServer } from '../contender.ts'
import { pawlFile, pawlScopes, seedPawl } from './seed.ts'

const command = fileURLToPath(new URL('../../packages/server/bin/pawl.js', import.meta.url))

export const pawl: Contender = {
  name: 'pawl',
  start: async (directory, families) => {
    const masterKey = randomBytes(32).toString('base64url')
    const env = { PAWL_MASTER_KEY: masterKey }
    const { client_id: clientId, client_secret: clientSecret } = await addClient(directory, env)
    const tokens = await seedPawl({ directory, clientId, masterKey, families })
    const server = await startServer(directory, [command, 'serve', '--json', '--port', '0', '--data', directory], env)
    const authorization = basicAuthorization(clientId, clientSecret)
    return { name: 'pawl', ...server, tokens, authorization, databaseFile: pawlFile(directory) }
  },
}

interface AddedClient {
  readonly client_id: string
  readonly client_secret: string
}

async function addClient(directory: string, env: NodeJS.ProcessEnv): Promise<AddedClient> {
  const registration = ['--kind', 'web', '--redirect', 'https://app.bench/callback', '--scope', pawlScopes.join(' ')]
  const args = [command, 'client', 'add', 'bench', ...registration, '--json', '--data', directory]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
  return JSON.parse(stdout) as AddedClient
}
