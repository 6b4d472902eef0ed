/** The backend in Fastify: a hook that runs before any body is read. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, answerNode } from './node.ts'

interface FastifyRequest {
  readonly raw: IncomingMessage
}

interface FastifyReply {
  readonly raw: ServerResponse
  hijack(): unknown
}

/** `app.addHook('onRequest', fastifyBff(bff, origin))`, on the root instance, so that it sees paths without a route too. */
export function fastifyBff(
  bff: Answer,
  origin: string,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    if (await answerNode(bff, origin, request.raw, reply.raw)) reply.hijack()
  }
}
