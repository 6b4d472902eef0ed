import { createServer } from 'node:http'
import { accessOf, guardApi, guardExpress, guardFastify, guardFetch, guardHono, guardNode } from '@pawl/verifier'
import type { HonoAccess } from '@pawl/verifier'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'

const guard = guardApi({ issuer: 'https://id.example', audience: 'https://api.example' })
const mayRead = { scopes: ['files.read'] }

// Bun, Deno, workers: whatever serves a fetch function.
export const plain = { fetch: guardFetch(guard, mayRead, (_request, access) => Response.json(access.claims)) }

export const hono = new Hono<HonoAccess>()
hono.get('/files', guardHono(guard, mayRead), context => context.json(context.get('access').claims))

export const app = express()
app.get('/files', guardExpress(guard, mayRead), (_request, response) => void response.json(response.locals['access']))

export const server = fastify()
server.get('/files', { onRequest: guardFastify(guard, mayRead) }, async request => accessOf(request).claims)

export const bare = createServer((request, response) => {
  guardNode(guard, request, response, mayRead).then(
    access => access !== null && response.end(access.subject),
    () => response.destroy(),
  )
})
