import type { ApiGuard } from '../guard-api.ts'
import type { Requirement } from '../tokens/requirement.ts'
import type { Access } from '../verdict.ts'
import { type NodeRequest, type NodeResponse, presentedByNode, refuseOnNode } from './node.ts'

/** The answer object of Express, as far as it is used. */
export interface ExpressResponse extends NodeResponse {
  locals: { access?: Access }
}

/** A middleware: behind it `response.locals.access` is there. What the guard itself throws goes to `next`. */
export function guardExpress(guard: Pick<ApiGuard, 'verify'>, requirement: Requirement = {}) {
  return async (
    request: NodeRequest & { readonly originalUrl: string },
    response: ExpressResponse,
    next: (error?: unknown) => void,
  ): Promise<void> => {
    const verdict = await guard.verify(presentedByNode(request, request.originalUrl), requirement)
    if (!verdict.granted) return refuseOnNode(response, verdict)
    response.locals.access = verdict
    next()
  }
}
