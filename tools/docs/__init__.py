"""What the documentation needs besides its pages: MkDocs' hooks, and the picture of the demo."""
