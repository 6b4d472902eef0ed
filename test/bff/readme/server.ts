import { answerBff } from '@pawl/bff'
import { nodeHandler } from '@pawl/bff/node'
import { environmentCustodyKey } from '@pawl/client/environment-key'
import { openSqliteStore } from '@pawl/client/sqlite'
import express from 'express'
import { ClientSecretPost } from 'oauth4webapi'

const origin = 'https://app.example'
const bff = answerBff({
  origin,
  server: 'https://id.example',
  client: { client_id: 'app' },
  authentication: ClientSecretPost(process.env['CLIENT_SECRET'] ?? ''),
  store: await openSqliteStore('sessions.sqlite'),
  custodyKey: await environmentCustodyKey(),
  scope: 'openid email',
  claims: ['email'],
  routes: { '/api/': { upstream: 'https://api.example/v1/', resource: 'https://api.example' } },
})

export const app = express()
app.use(nodeHandler(bff, origin)) // before anything that reads bodies
app.use(express.static('page'))
