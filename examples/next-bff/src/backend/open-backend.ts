/** The backend of this application, out of what its environment says. */

import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { answerBff, type Bff } from '@pawl/bff'
import { environmentCustodyKey } from '@pawl/client/environment-key'
import { openSqliteStore } from '@pawl/client/sqlite'
import { ClientSecretBasic } from 'oauth4webapi'

export type Environment = { readonly [name: string]: string | undefined }

/** Rejects with the name of what is missing. Asks the server for nothing yet. */
export async function openBackend(environment: Environment): Promise<Bff> {
  const needed = (name: string): string => {
    const text = environment[name]
    if (text === undefined || text === '') throw new Error(`Set ${name}: README.md says to what.`)
    return text
  }
  const [file, api] = [needed('SESSIONS_FILE'), needed('API_URL')]
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  return answerBff({
    origin: needed('APP_URL'),
    server: needed('ISSUER'),
    client: { client_id: needed('CLIENT_ID') },
    authentication: ClientSecretBasic(needed('CLIENT_SECRET')),
    store: await openSqliteStore(file),
    custodyKey: await environmentCustodyKey({ environment }),
    scope: 'openid email notes',
    claims: ['email'],
    routes: { '/api/notes': { upstream: `${api}/notes`, resource: api, methods: ['GET', 'POST'] } },
    onEvent: event => event.kind === 'trouble' && console.error(event.error),
  })
}
