/** Starts the API; without ISSUER an authorization server too, and says what to try. */

import { once } from 'node:events'
import { clientSecret } from '@pawl/verifier'
import { openNotesApi } from './notes-api.ts'
import { openOwnServer } from './own-server.ts'
import { serveFetch } from './serve-fetch.ts'

const { ISSUER, CLIENT_ID = 'notes-api', CLIENT_SECRET = '', PORT = '7298', SERVER_PORT = '7299' } = process.env
const url = `http://localhost:${PORT}`
const own = ISSUER === undefined ? await openOwnServer(Number(SERVER_PORT), url) : null
const issuer = own?.issuer ?? ISSUER ?? ''
const api = openNotesApi({ issuer, url, credentials: clientSecret(CLIENT_ID, own?.apiSecret ?? CLIENT_SECRET) })
const served = await serveFetch(api.fetch, Number(PORT), url)

console.log(`The API is ready at ${url}/notes; its tokens come from ${issuer}.`)
if (own !== null) {
  const job = `-u job:${own.jobSecret}`
  console.log(`
TOKEN=$(curl -s ${job} ${issuer}/token -d grant_type=client_credentials -d resource=${url} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl -i ${url}/notes                                      # how to ask
curl -i ${url}/notes -H "Authorization: Bearer $TOKEN"
curl ${job} ${issuer}/revoke -d token=$TOKEN
curl -i ${url}/notes -H "Authorization: Bearer $TOKEN"    # refused, and nobody had to be asked
`)
}

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await api.close()
await served.close()
await own?.close()
