"""Pages that a person sees: signing in, up and out, who is signed in, and what went wrong.

They are rendered here, work without JavaScript, and hold everything they need. The request after
a page may be answered by another release, which would not know a style sheet's name.
"""
