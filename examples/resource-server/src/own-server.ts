/** An authorization server for the demonstration: in memory, with the API and one program that may call it. */

import { randomBytes } from 'node:crypto'
import { embedPawl, registerClient } from 'pawl'
import { type Served, serveFetch } from './serve-fetch.ts'

export interface OwnServer {
  readonly issuer: string
  readonly apiSecret: string
  readonly jobSecret: string
  readonly close: () => Promise<void>
}

export async function openOwnServer(port: number, apiUrl: string): Promise<OwnServer> {
  const issuer = `http://localhost:${port}`
  const masterKey = randomBytes(32).toString('base64url')
  const pawl = await embedPawl({ issuer, masterKey, store: 'sqlite::memory:', logLevel: 'warn' })
  const workbench = pawl.workbench('demonstration')
  const api = await registerClient(workbench, { id: 'notes-api', kind: 'service', audiences: [apiUrl] })
  const job = await registerClient(workbench, { id: 'job', kind: 'service', scopes: ['notes.read', 'notes.write'] })
  const served: Served = await serveFetch((request, address) => pawl.fetch(request, { address }), port, issuer)
  return {
    issuer,
    apiSecret: api.secret ?? '',
    jobSecret: job.secret ?? '',
    close: async () => {
      await served.close()
      await pawl.close()
    },
  }
}
