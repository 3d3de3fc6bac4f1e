"""The same work as one writes it plainly, with the libraries that come to mind first."""
