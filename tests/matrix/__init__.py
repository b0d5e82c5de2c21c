"""The access matrix: role, resource, action, row and door, worked out from the policy's text and asked over HTTP."""
