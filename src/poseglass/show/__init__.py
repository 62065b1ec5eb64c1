"""Show motion: pictures, videos, and a 3D player in a web page."""
