/**
 * A single-page application whose tokens never reach the browser: page, backend for frontend and API. Without ISSUER an
 * authorization server is started too, with one person who can sign in.
 */

import { once } from 'node:events'
import { environmentCustodyKey } from '@pawl/client/environment-key'
import { custodyKeyFrom } from '@pawl/client/custody-key'
import { drawBytes } from '@pawl/client/entropy'
import { memoryStore } from '@pawl/client'
import { openSqliteStore } from '@pawl/client/sqlite'
import { openApi } from './api.ts'
import { openApp } from './app-server.ts'
import { openOwnServer } from './own-server.ts'

const environment = process.env
const port = Number(environment['PORT'] ?? 7300)
const origin = environment['ORIGIN'] ?? `http://localhost:${port}`
const apiUrl = environment['API'] ?? `http://localhost:${environment['API_PORT'] ?? port + 1}`
const own = environment['ISSUER'] === undefined ? await openOwnServer({ port: port + 2, origin, apiUrl }) : null
const issuer = own?.issuer ?? environment['ISSUER'] ?? ''
const api =
  environment['API'] === undefined
    ? await openApi({ issuer, url: apiUrl, secret: own?.apiSecret ?? environment['API_SECRET'] ?? '' })
    : null
const path = environment['STORE']
const store = path === undefined ? memoryStore() : await openSqliteStore(path)
const app = await openApp({
  port,
  origin,
  issuer,
  apiUrl,
  store,
  // Several processes share the store, and so they share the key.
  custodyKey: path === undefined ? await custodyKeyFrom(drawBytes(32)) : await environmentCustodyKey(),
  clientId: environment['CLIENT_ID'] ?? 'notes-app',
  clientSecret: own?.appSecret ?? environment['CLIENT_SECRET'] ?? '',
})

console.log(`The application is ready at ${origin}`)
if (own !== null) console.log(`Sign in as ${own.email} with the password '${own.password}'.`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await app.close()
await api?.close()
await own?.close()
