import type { ApiGuard } from '../guard-api.ts'
import type { Requirement } from '../tokens/requirement.ts'
import { type Access, refusalBody, refusalHeaders } from '../verdict.ts'
import { type NodeRequest, presentedByNode } from './node.ts'

/** Request and reply of Fastify, as far as they are used. */
export interface FastifyRequest {
  readonly raw: NodeRequest
  readonly originalUrl: string
}
export interface FastifyReply {
  readonly code: (status: number) => unknown
  readonly headers: (headers: { readonly [name: string]: string }) => unknown
  readonly send: (body: string) => unknown
}

/** A hook for `onRequest`, before anything of the body is read. Behind it `accessOf(request)` is there. */
export function guardFastify(guard: Pick<ApiGuard, 'verify'>, requirement: Requirement = {}) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const verdict = await guard.verify(presentedByNode(request.raw, request.originalUrl), requirement)
    if (verdict.granted) {
      accesses.set(request, verdict)
      return undefined
    }
    reply.code(verdict.status)
    reply.headers(refusalHeaders(verdict))
    reply.send(refusalBody(verdict))
    return reply
  }
}

/** The access of a request that came through the guard; throws for one that did not. */
export function accessOf(request: object): Access {
  const access = accesses.get(request)
  if (access === undefined) throw new Error('this request did not come through a guard')
  return access
}

const accesses = new WeakMap<object, Access>()
